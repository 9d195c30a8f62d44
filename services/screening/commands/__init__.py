"""What people do in screening, and the steps of a record that follow, whoever causes them."""
