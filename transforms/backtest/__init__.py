"""The rules against the public record."""
