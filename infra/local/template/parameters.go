package template

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
)

// parameter is a declaration of the section Parameters.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
type parameter struct {
	Type, Description  string
	Default            *string // nil: a value must be given
	AllowedPattern     string
	AllowedValues      []string
	MinValue, MaxValue *float64 `json:",string"`
	MaxLength          int      `json:",string"` // 0: of any length
	// ConstraintDescription says more of what is allowed.
	ConstraintDescription string
}

// readParameters takes given values over defaults, and checks them as CloudFormation
// would, but for the bounds of numbers where a stack goes beyond them. The error has one
// sentence for each fault.
func (l *loader) readParameters(given map[string]string) error {
	l.template.Parameters = map[string]string{}
	section := field(l.root, "Parameters")
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if field(section, name) == nil {
			faults = append(faults, fmt.Errorf("there is no parameter %q", name))
		}
	}
	for name, n := range pairs(section) {
		var p parameter
		declared, err := l.value(n)
		if err := cmp.Or(err, decode(declared, &p)); err != nil {
			faults = append(faults, fmt.Errorf("parameter %s: %w", name, err))
			continue
		}
		value, ok := given[name]
		if !ok && p.Default != nil {
			value, ok = *p.Default, true
		}
		if !ok {
			faults = append(faults, fmt.Errorf("parameter %s has no default and was not given", name))
			continue
		}
		if l.BeyondBounds {
			p.MinValue, p.MaxValue = nil, nil
		}
		if err := p.check(value); err != nil {
			faults = append(faults, fmt.Errorf("parameter %s %w", name, err))
		}
		l.template.Parameters[name], l.refs[name] = value, value
	}
	return errors.Join(append(faults, l.checkRules())...)
}

// checkRules holds the parameters against the section Rules, which says what values may
// stand together: the error has the sentence of each assertion that is wrong.
func (l *loader) checkRules() error {
	var faults []error
	for name, n := range pairs(field(l.root, "Rules")) {
		var rule struct {
			RuleCondition *bool
			Assertions    []struct {
				Assert            bool
				AssertDescription string
			}
		}
		declared, err := l.value(n)
		if err := cmp.Or(err, decode(declared, &rule)); err != nil {
			faults = append(faults, fmt.Errorf("rule %s: %w", name, err))
		}
		for _, a := range rule.Assertions {
			if !a.Assert && (rule.RuleCondition == nil || *rule.RuleCondition) {
				faults = append(faults, fmt.Errorf("rule %s: %s", name, a.AssertDescription))
			}
		}
	}
	return errors.Join(faults...)
}

// check says what the declaration has against the value: the end of a sentence that
// begins with the parameter's name.
func (p parameter) check(value string) error {
	var fault error
	fits, err := regexp.MatchString("^(?:"+cmp.Or(p.AllowedPattern, "(?s:.*)")+")$", value)
	if err != nil || !fits {
		fault = fmt.Errorf("does not match %s: %q", p.AllowedPattern, value)
		if p.Default != nil && *p.Default != "" { // an example is easier to read
			fault = fmt.Errorf("%w (the default is %s)", fault, *p.Default)
		}
	}
	if p.AllowedValues != nil && !slices.Contains(p.AllowedValues, value) {
		fault = fmt.Errorf("has a value that is not allowed: %q", value)
	}
	if p.MaxLength > 0 && len(value) > p.MaxLength {
		fault = fmt.Errorf("is longer than %d characters", p.MaxLength)
	}
	if p.Type == "Number" {
		fault = cmp.Or(p.checkNumber(value), fault)
	}
	if p.ConstraintDescription != "" && fault != nil {
		fault = fmt.Errorf("%w (%s)", fault, p.ConstraintDescription)
	}
	return fault
}

// number is what CloudFormation takes for one: "an integer or float".
var number = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?$`)

func (p parameter) checkNumber(value string) error {
	amount, err := strconv.ParseFloat(value, 64)
	switch {
	case err != nil || !number.MatchString(value):
		return fmt.Errorf("is no number: %q", value)
	case p.MinValue != nil && amount < *p.MinValue:
		return fmt.Errorf("is less than %v: %q", *p.MinValue, value)
	case p.MaxValue != nil && amount > *p.MaxValue:
		return fmt.Errorf("is more than %v: %q", *p.MaxValue, value)
	}
	return nil
}
