//! Every reader against what people and machines really leave in files.
