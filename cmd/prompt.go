package cmd

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"golang.org/x/term"
)

// interactive reports whether somebody can be asked.
func (c *cli) interactive() bool { return !c.batch && term.IsTerminal(int(c.in.Fd())) }

// askHidden reads a line from the terminal without echo. ctrl+c ends it.
func (c *cli) askHidden(ctx context.Context, question string) (string, error) {
	return c.ask(ctx, question, func() (string, error) {
		line, err := term.ReadPassword(int(c.in.Fd()))
		fmt.Fprintln(c.err)
		return string(line), err
	})
}

// confirm asks for a yes; everything else is a no.
func (c *cli) confirm(ctx context.Context, question string) (bool, error) {
	line, err := c.ask(ctx, question+" [y/N] ", func() (string, error) {
		line, _ := bufio.NewReader(c.in).ReadString('\n') // what ends without a line is no yes
		return line, nil
	})
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes", err
}

// ask has read take the answer from the terminal, and brings that back as it was where ctx ends first:
// a signal cancels ctx and does not end the read.
func (c *cli) ask(ctx context.Context, question string, read func() (string, error)) (string, error) {
	before, err := term.GetState(int(c.in.Fd()))
	if err != nil {
		return "", err
	}
	fmt.Fprint(c.err, question)
	type answer struct {
		line string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		line, err := read()
		answers <- answer{line, err}
	}()
	select {
	case a := <-answers:
		return a.line, a.err
	case <-ctx.Done():
		fmt.Fprintln(c.err)
		_ = term.Restore(int(c.in.Fd()), before)
		return "", ctx.Err()
	}
}
