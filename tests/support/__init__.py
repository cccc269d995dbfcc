"""What several tests share: real processes to start, and builders of inputs."""
