"""Laws that know the learning-rate schedule, and what they say of another one."""
