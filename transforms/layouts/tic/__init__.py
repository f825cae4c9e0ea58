"""The statistics of the Treasury International Capital system, and figures that the press reported of them."""
