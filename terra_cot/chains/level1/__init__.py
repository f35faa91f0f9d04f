"""L1: one spatial fact a question. The paper's six tasks, one file each."""
