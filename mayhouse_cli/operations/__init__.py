"""The use cases: plain functions over the ports, without any framework."""
