"""The order in which libraries are shown everywhere, their colours, and all other colours.

A library that is not named here is shown last, in OTHER_COLOR.
"""

# Okabe and Ito's palette and a dark purple, distinguishable with any colour vision. https://jfly.uni-koeln.de/color/
COLORS = {
    "serial": "#000000",
    "fork": "#660066",
    "mp": "#0072B2",
    "futures": "#56B4E9",
    "joblib": "#E69F00",
    "dask": "#D55E00",
    "ray": "#CC79A7",
    "mpire": "#009E73",
}
OTHER_COLOR = "#8B4513"
TIE_COLOR = "#e8e8e8"
LIMIT_COLOR = "#767676"
GRID_COLOR = "#77777744"
OTHERS_COLOR = "#BBBBBB99"  # of lines that stand behind those that a panel is about
# Of the parts of a round, in their order: work is dark grey, waiting is lighter grey, and start and stop have a hue
# that is no library's.
PART_COLORS = ("#C9B400", "#4D4D4D", "#8C8C8C", "#B3B3B3", "#D9D9D9", "#F0E442")
# How bad something is, from the best to the worst; black can be read on all, and in grey they differ.
GRADE_COLORS = ("#C7E9C0", "#E8F1D4", "#FEE08B", "#FDAE61", "#E8684A")
ON_DARK = {"#000000": "#ffffff", "#660066": "#a64dff"}  # what would be too dark on black


def color_of(library: str) -> str:
    """Return the library's colour on a light ground."""
    return COLORS.get(library, OTHER_COLOR)
