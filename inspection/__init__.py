"""From an alert or a visit to a closed hazard: checklists, draws, hazards, ratings, reports."""
