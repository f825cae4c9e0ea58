"""Exchange rates, yields and prices."""
