package control

import (
	"context"

	"github.com/artifacts-tui/artifacts-tui/keyring"
)

// Change is one thing that the user can ask for, with the words for it.
type Change struct {
	Doing  string // while it runs, as "adding peer ci"
	Failed string // what failed, as "Could not add peer ci"
	Line   string // the command line that does the same; never with a secret
	Backup bool   // its outcome is a backup's
	Moves  bool   // afterwards another coordinator may be the one in use
	Bucket string // that it makes

	run func(ctx context.Context, p Program) (Outcome, error)
}

// Run does it.
func (c *Change) Run(ctx context.Context, p Program) (Outcome, error) { return c.run(ctx, p) }

// Outcome is what came of a Change.
type Outcome struct {
	Text    string   // in a line
	Details []string // one line each
	Once    *Once    // a secret that is told this one time; nil: there is none
}

// Once is a secret that the coordinator does not tell again.
type Once struct {
	Title  string
	Pairs  [][2]string // labels and values that are no secrets
	Label  string      // of Secret
	Secret keyring.Secret
}

// remote is the run of a change that the coordinator makes.
func remote(run func(ctx context.Context, c Client) (Outcome, error)) func(context.Context, Program) (Outcome, error) {
	return func(ctx context.Context, p Program) (Outcome, error) {
		c, err := p.Open(ctx)
		if err != nil {
			return Outcome{}, err
		}
		defer c.Close()
		return run(ctx, c)
	}
}
