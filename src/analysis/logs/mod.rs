//! Checks over logs: templates, what is new or rare, and what an error line says.
