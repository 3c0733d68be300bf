"""Hand derivations as executable documents."""
