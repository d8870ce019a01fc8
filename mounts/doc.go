// Package mounts starts, finds and stops the processes that serve mounted
// workspaces: one detached process a mount, told what to serve through a pipe and
// asked how it is over a unix socket. It imports keyring and internal/, never backend.
package mounts
