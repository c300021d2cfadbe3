"""Published tables run by their own protocol. The tables are the TOML files in ``bench/suites``."""
