"""Stored results, and everything that is made from them: tables, CSV, markdown, figures and the HTML page."""
