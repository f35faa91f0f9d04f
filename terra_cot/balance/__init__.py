"""Which tiles and samples a dataset takes: splits by place, near-duplicates, leaks into held-out data, mixtures."""
