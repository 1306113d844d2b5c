package template

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// constraints are what a parameter may say of itself.
var constraints = []string{
	"Type", "Description", "Default", "AllowedPattern", "AllowedValues", "MinValue", "MaxValue", "ConstraintDescription",
}

// readParameters takes given values over defaults, and checks them as CloudFormation
// would, but for the bounds of numbers where a stack goes beyond them. The error has one
// sentence for each fault.
func (l *loader) readParameters(given map[string]string) error {
	l.parameters = map[string]string{}
	section := field(l.root, "Parameters")
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if field(section, name) == nil {
			faults = append(faults, fmt.Errorf("there is no parameter %q", name))
		}
	}
	for name, n := range pairs(section) {
		for constraint := range pairs(n) {
			if !slices.Contains(constraints, constraint) {
				faults = append(faults, fmt.Errorf("parameter %s: the local stack does not know %s", name, constraint))
			}
		}
		value, ok := given[name]
		if d := field(n, "Default"); !ok && d != nil {
			value, ok = d.Value, true
		}
		if !ok {
			faults = append(faults, fmt.Errorf("parameter %s has no default and was not given", name))
			continue
		}
		if err := checkParameter(n, value, l.BeyondBounds); err != nil {
			faults = append(faults, fmt.Errorf("parameter %s %w", name, err))
		}
		l.parameters[name] = value
	}
	l.template.Parameters = l.parameters
	return errors.Join(faults...)
}

// checkParameter says what the declaration n has against the value: the end of a sentence
// that begins with the parameter's name. beyondBounds leaves MinValue and MaxValue out.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
func checkParameter(n *yaml.Node, value string, beyondBounds bool) error {
	var fault error
	if p := field(n, "AllowedPattern"); p != nil {
		if fits, err := regexp.MatchString("^(?:"+p.Value+")$", value); err != nil || !fits {
			fault = fmt.Errorf("does not match %s: %q", p.Value, value)
			if d := field(n, "Default"); d != nil && d.Value != "" { // an example is easier to read
				fault = fmt.Errorf("%w (the default is %s)", fault, d.Value)
			}
		}
	}
	isValue := func(v *yaml.Node) bool { return v.Value == value }
	if a := field(n, "AllowedValues"); a != nil && !slices.ContainsFunc(a.Content, isValue) {
		fault = fmt.Errorf("has a value that is not allowed: %q", value)
	}
	if kind := field(n, "Type"); kind != nil && kind.Value == "Number" {
		fault = cmp.Or(checkNumber(n, value, beyondBounds), fault)
	}
	if why := field(n, "ConstraintDescription"); why != nil && fault != nil {
		fault = fmt.Errorf("%w (%s)", fault, why.Value)
	}
	return fault
}

// number is what CloudFormation takes for one: "an integer or float".
var number = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?$`)

func checkNumber(n *yaml.Node, value string, beyondBounds bool) error {
	amount, err := strconv.ParseFloat(value, 64)
	if err != nil || !number.MatchString(value) {
		return fmt.Errorf("is no number: %q", value)
	}
	for _, bound := range []struct {
		name, words string
		sign        float64
	}{{"MinValue", "less", -1}, {"MaxValue", "more", 1}} {
		limit := field(n, bound.name)
		if limit == nil || beyondBounds {
			continue
		}
		at, err := strconv.ParseFloat(limit.Value, 64)
		if err != nil || bound.sign*(amount-at) > 0 {
			return fmt.Errorf("is %s than %s: %q", bound.words, limit.Value, value)
		}
	}
	return nil
}
