package eventstream

import (
	"errors"
	"testing"
	"time"
)

// SPEC D5: a stream that broke a moment ago is taken up within a second of its coming back,
// however often it was tried; one that is away for long is asked for rarely, and never before the
// coordinator says.
func TestPause(t *testing.T) {
	for _, c := range []struct {
		tries       int
		broken      time.Duration
		err         error
		least, most time.Duration
	}{
		{1, 0, nil, 0, retryFirst},
		{3, time.Second, nil, 0, retrySoon},
		{1000, soon - 1, nil, 0, retrySoon},
		{1000, soon, nil, 0, retryMost},
		{1, 0, &Refusal{After: time.Minute}, time.Minute, 2 * time.Minute},
		{1, 0, errors.New("no answer"), 0, retryFirst},
	} {
		longest := time.Duration(0)
		for range 1000 {
			got := pause(c.tries, c.broken, c.err)
			if got <= c.least-1 || got > c.most {
				t.Fatalf("%+v: a pause of %v", c, got)
			}
			longest = max(longest, got)
		}
		if longest < c.most/2 {
			t.Errorf("%+v: none of a thousand is longer than %v", c, longest)
		}
	}
}
