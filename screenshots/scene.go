package main

import (
	"fmt"
	"strconv"
	"strings"
)

// step is one line of a scene. A scene is text: a verb and what it is about.
//
//	size 120 32          the terminal, before start
//	light                a terminal with a light ground, before start
//	env KEY=VALUE        for the programs started below; $HOME is the scene's own
//	run ARG...           the program, to its end
//	sh COMMAND           a shell command, to its end; $BIN is the program
//	start ARG...         the program, in the terminal
//	wait TEXT            until TEXT is on the screen
//	gone TEXT            until it is not
//	key NAME...          enter, esc, tab, up, ctrl+r, x
//	type TEXT            letters
//	paste TEXT           as the terminal pastes
//	shot NAME            draw the screen, once it has come to rest
//	film NAME            begin an animation: from here on every change of the screen is in it
//	hold SECONDS         stay at what is shown
//	cut                  end the animation and draw it
//	stop                 end the program with ctrl+c
//	finally COMMAND      a shell command for the end, however the scene ends
type step struct {
	line int
	verb string
	rest string
}

var verbs = map[string]bool{
	"size": true, "light": true, "env": true, "run": true, "sh": true, "start": true, "wait": true, "gone": true,
	"key": true, "type": true, "paste": true, "shot": true, "film": true, "hold": true, "cut": true, "stop": true, "finally": true,
}

// parse reads a scene; lines that are empty or begin with # say nothing.
func parse(text string) ([]step, error) {
	var steps []step
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		verb, rest, _ := strings.Cut(line, " ")
		if !verbs[verb] {
			return nil, fmt.Errorf("line %d: no such verb: %s", i+1, verb)
		}
		if verb == "size" {
			if _, _, err := size(rest); err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
		}
		if verb == "hold" {
			if _, err := strconv.ParseFloat(rest, 64); err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
		}
		steps = append(steps, step{line: i + 1, verb: verb, rest: strings.TrimSpace(rest)})
	}
	return steps, nil
}

func size(text string) (width, height int, err error) {
	w, h, _ := strings.Cut(text, " ")
	width, err = strconv.Atoi(w)
	if err == nil {
		height, err = strconv.Atoi(strings.TrimSpace(h))
	}
	return width, height, err
}

// bytesOf is what a terminal sends for a key.
func bytesOf(key string) (string, error) {
	named := map[string]string{
		"enter": "\r", "esc": "\x1b", "tab": "\t", "shift+tab": "\x1b[Z", "space": " ", "backspace": "\x7f",
		"up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D", "home": "\x1b[H", "end": "\x1b[F",
		"pgup": "\x1b[5~", "pgdown": "\x1b[6~", "delete": "\x1b[3~",
	}
	if b, ok := named[key]; ok {
		return b, nil
	}
	if c, ok := strings.CutPrefix(key, "ctrl+"); ok && len(c) == 1 && c[0] >= 'a' && c[0] <= 'z' {
		return string(c[0] - 'a' + 1), nil
	}
	if len([]rune(key)) == 1 {
		return key, nil
	}
	return "", fmt.Errorf("no such key: %s", key)
}
