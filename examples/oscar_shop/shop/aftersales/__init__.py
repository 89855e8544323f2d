"""What comes after an order: capturing, cancelling, and money that is asked back."""
