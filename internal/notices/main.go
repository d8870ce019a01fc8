// Command notices writes THIRD_PARTY_NOTICES: the licence of every module that is linked into the
// program, on any system it is released for, as their authors ask of who passes it on.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
)

const file = "THIRD_PARTY_NOTICES"

func main() {
	check := flag.Bool("check", false, "write nothing, and fail where the file is not what it should be")
	flag.Parse()
	if err := run(context.Background(), *check); err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, check bool) error {
	text, err := notices(ctx, ".")
	if err != nil {
		return err
	}
	if !check {
		return os.WriteFile(file, text, 0o644)
	}
	if have, err := os.ReadFile(file); err != nil {
		return err
	} else if !bytes.Equal(have, text) {
		return fmt.Errorf("%s is not that of the modules in go.mod; run `make notices`", file)
	}
	return nil
}
