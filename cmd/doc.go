// Package cmd is the command tree: one file a noun, each command an options
// struct that reads flags, calls one use case of backend.App and prints what came
// back as text or JSON. Nothing imports it but main.
package cmd
