package template

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Schedule is a rule that invokes a function regularly.
type Schedule struct {
	Name     string
	Function string
	Every    time.Duration // 0: an expression the local stack does not run
	Expr     string        // as in the template
	Input    string        // JSON to send instead of the event, or empty
}

func (l *loader) readSchedule(function, name string, p properties) error {
	if p.text("Enabled") == "false" || p.text("State") == "DISABLED" {
		return nil
	}
	s := Schedule{Name: name, Function: function, Expr: p.text("Schedule"), Input: p.text("Input")}
	if rate, ok := strings.CutPrefix(s.Expr, "rate("); ok {
		var err error
		if s.Every, err = parseRate(strings.TrimSuffix(rate, ")")); err != nil {
			return fmt.Errorf("schedule %q: %w", s.Expr, err)
		}
	}
	l.template.Schedules = append(l.template.Schedules, s)
	return nil
}

// parseRate reads "1 minute" or "5 hours".
func parseRate(text string) (time.Duration, error) {
	number, unit, _ := strings.Cut(text, " ")
	n, err := strconv.Atoi(number)
	units := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
	d, ok := units[strings.TrimSuffix(unit, "s")]
	if err != nil || n < 1 || !ok {
		return 0, errors.New("a rate is a number of minutes, hours or days")
	}
	return time.Duration(n) * d, nil
}
