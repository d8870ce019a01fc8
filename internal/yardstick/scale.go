package main

func scale(o options) (string, error) { return "", nil }
