"""From an exact expression to a numerical kernel that is checked against mpmath.

The rooms, in the order of the work; each begins by saying what it is:

* what is wanted: `spec`, filled in by `activation_modules spectrum_modules duals phases`; the list
  of all modules is `catalogue`
* forms fit for double precision: `stable sound functions horner fitted exponential_factor`, next to
  zeros `zero_factors vanishing`; fast ones: `short_forms quotient_fit quotient joined`
* means that do not close: `mean_values resolution centres approximate`, rational functions
  `curve_fit rational_fit rational_form`, tables `table_fit table_form`; a parameter that is a
  unit, `scaling`
* duals in closed form: `dual_spec dual_forms correlation angle`, of one arcsine `arc_parts
  reflected share_sums`, as integrals `price rounding constant_factors`, what roundings lack
  `compensated kept_roundings`; those that do not close: `approximate_dual approximate_dual_growth
  approximate_dual_table approximate_dual_quadrature`, fitted by `approximate_dual_fit` on the
  `approximate_dual_square approximate_dual_cuts approximate_dual_rectangles`
* spectra: several slopes `slopes_kernels slope_height`, any φ `contour_kernels contour_nodes
  contour_anchors`, residual networks of finite depth `residual_kernels`; edges of sweeps
  `edge_solver`
* text: `names printer statements kernel_block elementary quadrature_view filling file_head
  operations divisions row_constants`, put together by `render`
* proof: `points oracle spectral_oracle slopes_oracle contour_oracle residual_oracle dual_check
  phase_check crosscheck`, decided by `plan`, kept in `record`
* use: `load at_once compile` make kernels here and now; `measure` checks and records them;
  `generate docs files` write them down, all or a `selection`, `emit` those of one activation
"""
