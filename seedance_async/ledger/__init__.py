"""Money: the paid submit, the journal and the budget."""
