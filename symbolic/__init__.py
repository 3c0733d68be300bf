"""Exact mathematics of random deep networks: SymPy in, SymPy out.

The rooms, in the order of the derivation; each begins by saying what it is:

* input: `errors symbols domain`; text: `grammar hints parsing`; activations: `library activation`
* LaTeX: `latex_commands latex_tokens`, names `latex_names latex_cursor`, values `latex_expressions
  latex_values latex_calls latex_cases latex_calculus latex_means`, claims `latex_rows
  latex_definitions latex_statements`; notes: `note_scanner note_directives notes`
* pieces: `roots signs facts cases intervals piecewise symmetry parity taylor`
* functions: `functions hyperbolic scaled bivariate_normal wedge voigt`, evaluated by `balls`
* expectations: `terms integrands gaussian growth rational assembly`, with exact coefficients from
  `polynomials surds algebraic`; their faces are `expectation` and `bivariate`
* oracles, from the definitions alone: `quadrature band_limited oscillation mean_panels mean_curve`,
  and in two variables `bivariate_quadrature bivariate_panels bivariate_search line_quadrature
  narrow_quadrature ball_pieces legendre_panels`; zeros of a mean `mean_zeros`
* mean field: `mean_field normalisation fixed_points depth_scales asymptotics criticality
  critical_classes`; integrals over the line for them: `line_integrals finite_parts finite_erf
  finite_exponential mellin beta_series`
* series: `coefficients power_terms long_sums laurent series readable
  polynomial_growth`
* laws: `law laws finite_law transform_laws free_cumulants free_operations transforms`; algebraic:
  `algebraic_law law_equation law_density elimination`
* feed-forward Jacobian: `derivative_law ensembles layers jacobian shape edges product_atoms
  continuation density depth_limits universality`; of any activation: `slope_nodes slope_panels
  slope_branches slope_principal slope_range slope_density layer_block smooth_layers smooth_product
  layer_path layer_tail layer_edges path_following deadline`; with numbers put in:
  `layer_values layer_numbers`
* residual Jacobian: `propagation residual`, one layer exactly: `determining_series schwinger_dyson
  residual_layer depth_expansion`, finite depth: the other `residual_…`, with `few_nodes
  few_variances`; the limit: `universal_density universal_edges lambert`
* derivations written down: `explanation jacobian_steps residual_steps`
* claims: `claim_text conditions rounded time_limit` read them; `ball_functions two_precisions
  enclosures refutation` try points; `tower sign_proofs root_forms exponential_forms function_rules
  normal_form strict_signs kinks definitions inequalities proofs` prove them; `series_claims
  comparison corrections` answer one; the faces are `verdict check check_families check_functions
  check_numbers`, and `claims` are those of a document
"""
