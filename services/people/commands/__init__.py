"""What is asked of people: to invite, come in and leave, to make and withdraw keys, to exchange one for a token."""
