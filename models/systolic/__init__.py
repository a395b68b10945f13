"""Matrix products as a systolic array takes them."""
