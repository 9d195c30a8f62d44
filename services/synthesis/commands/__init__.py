"""What people ask synthesis for, and what their commands, its reactions and its jobs have in common."""
