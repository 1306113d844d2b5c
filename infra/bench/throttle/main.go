// Command throttle prints the figures of infra/bench/SCALE.md as Markdown: what the product does on a partition that takes
// no more, simulated, because DynamoDB Local never throttles; and what the scale of that page needs and costs, by formulas. With
// -write it puts them into the page. It takes the product's constants from its source and the settings from template.yaml.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	write := flag.Bool("write", false, "put the figures into infra/bench/SCALE.md instead of printing them")
	flag.Parse()
	if err := run(*write); err != nil {
		fmt.Fprintln(os.Stderr, "throttle:", err)
		os.Exit(1)
	}
}

func run(write bool) error {
	root, err := above("template.yaml")
	if err != nil {
		return err
	}
	figures, err := figures(root)
	if err != nil {
		return err
	}
	if !write {
		fmt.Print(figures)
		return nil
	}
	name := filepath.Join(root, pageName)
	page, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	before, _, after, err := split(string(page))
	if err != nil {
		return err
	}
	return os.WriteFile(name, []byte(before+figures+after), 0o644)
}

// above is the nearest folder upwards that has the file.
func above(file string) (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, file)); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	return "", errors.Join(err, fmt.Errorf("no %s in this folder or above", file))
}

// figures is all that the program has to say about the repository at root.
func figures(root string) (string, error) {
	c, err := read(root)
	if err != nil {
		return "", err
	}
	p, err := readPrices(root)
	if err != nil {
		return "", err
	}
	var t table
	c.limits(&t)
	c.wallTables(&t)
	c.costs(&t, p)
	c.throttled(&t)
	return strings.TrimRight(t.String(), "\n") + "\n", nil
}

// The page, and the lines of it between which the figures stand.
const (
	pageName = "infra/bench/SCALE.md"
	begin    = "<!-- figures: go run ./infra/bench/throttle -write -->\n"
	end      = "<!-- end of the figures -->\n"
)

// split takes a page apart at the two lines, which stay with what is before and after.
func split(page string) (before, figures, after string, err error) {
	before, rest, found := strings.Cut(page, begin)
	figures, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return "", "", "", fmt.Errorf("%s has no lines %q and %q", pageName, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return before + begin, figures, end + after, nil
}
