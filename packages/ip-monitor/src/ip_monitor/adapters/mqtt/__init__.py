"""
Home Assistant over MQTT: the state of the monitor as entities that appear by themselves, and a button that checks.
"""
