package session

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/ui/disk"
)

// Ran is an action that was run in this session, as the command line that does the same.
type Ran struct {
	ID    int
	Line  string
	Began time.Time
	Took  time.Duration
	Done  bool
	Err   error
}

// ranKept bounds the log of a session.
const ranKept = 500

// Begin notes that an action has begun.
func (s *Session) Begin(line string) {
	s.ranID++
	s.Ran = append(s.Ran, Ran{ID: s.ranID, Line: line, Began: s.Now})
	if len(s.Ran) > ranKept {
		s.Ran = s.Ran[1:]
	}
}

// End notes how the oldest open action of this line ended.
func (s *Session) End(line string, err error, at time.Time) {
	for i := range s.Ran {
		if r := &s.Ran[i]; r.Line == line && !r.Done {
			r.Done, r.Err, r.Took = true, err, max(at.Sub(r.Began), 0)
			return
		}
	}
}

// Tail is the end of a log file as it was last read.
type Tail struct {
	Lines []disk.Line
	Err   error
	At    time.Time
}

// TailRead ends a read of a log file.
type TailRead struct {
	Path string
	Tail Tail
}

// tailEvery bounds how often a log file is read while it is looked at.
const tailEvery = time.Second

// ReadTail reads the end of a log file, unless it was read just now and again is false.
func (s *Session) ReadTail(path string, again bool) tea.Cmd {
	if last, ok := s.Tails[path]; path == "" || ok && !again && s.Now.Sub(last.At) < tailEvery {
		return nil
	}
	if _, busy := s.reading["log "+path]; busy && !again {
		return nil
	}
	return s.read("log "+path, func() tea.Msg {
		lines, err := s.TailFile(path)
		return TailRead{Path: path, Tail: Tail{Lines: lines, Err: err, At: time.Now()}}
	})
}
