package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"time"

	"golang.org/x/term"
)

// watchEvery is how often what is watched is taken; what did not change is not printed.
const watchEvery = time.Second

// watch prints what take returns each time it differs: over the last one on a terminal,
// after an empty line elsewhere, as a line of JSON where that is asked for. It ends with
// the interruption that ends it (SPEC C14), or the first error.
func (c *cli) watch(ctx context.Context, take func() (doc any, text func(io.Writer), err error)) error {
	if err := c.endless("--watch"); err != nil {
		return err
	}
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	var last []byte
	for {
		doc, text, err := take()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		var now bytes.Buffer
		if c.format == "json" {
			err = json.NewEncoder(&now).Encode(doc)
		} else {
			text(&now)
		}
		if err != nil {
			return err
		}
		if !bytes.Equal(now.Bytes(), last) {
			if _, err := c.out.Write(append(c.between(last == nil), now.Bytes()...)); err != nil {
				return err
			}
			last = now.Bytes()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// between is what stands between one print and the next.
func (c *cli) between(first bool) []byte {
	out, isFile := terminalOf(c.out)
	switch {
	case c.format == "json":
		return nil
	case isFile && term.IsTerminal(int(out.Fd())):
		return []byte("\x1b[H\x1b[2J")
	case first:
		return nil
	}
	return []byte("\n")
}
