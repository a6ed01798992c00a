"""What Laris costs at AWS: prices as dated data, what each use case was measured to ask, and the bill that follows."""
