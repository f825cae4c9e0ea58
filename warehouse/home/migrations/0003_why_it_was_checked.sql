-- Why an expectation is asked for, and what to do where it does not hold. NULL for checks made before.
ALTER TABLE validation_results ADD COLUMN why TEXT;
