"""HTML from strangers, made safe by nh3 (the Rust library ammonia)."""
