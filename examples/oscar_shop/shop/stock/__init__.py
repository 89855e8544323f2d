"""What the shop sells, and the people and orders it begins with."""
