"""Table 1 in its layout: other columns than Table 3, in the same rows."""

from __future__ import annotations
