// Command artifacts-tui turns S3 storage into named, mountable workspaces.
package main

import (
	"os"

	"github.com/artifacts-tui/artifacts-tui/cmd"
)

func main() { os.Exit(cmd.Main(os.Args, os.Stdin, os.Stdout, os.Stderr)) }
