// Package commands is how the bench talks to a floor that it asks many things: a line of JSON in, a line of JSON out. So the
// start of the program is no part of what is measured.
package commands

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// Serve does every command of the standard input and prints its answer. It returns at the end of the input; the first error
// goes to the standard error and ends the program.
func Serve[Command, Answer any](do func(Command) (Answer, error)) {
	commands, answers := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var c Command
		err := commands.Decode(&c)
		if err == io.EOF {
			return
		}
		if err == nil {
			var a Answer
			if a, err = do(c); err == nil {
				err = answers.Encode(a)
			}
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
