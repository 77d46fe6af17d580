"""Charts of the page, as Vega-Lite."""
