package apigateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// policy is an IAM policy document as an authorizer returns it.
type policy struct {
	Statement []statement
}

type statement struct {
	Effect    string
	Action    oneOrMore
	Resource  oneOrMore
	Condition map[string]any
}

// oneOrMore is a JSON string or a list of strings.
type oneOrMore []string

func (o *oneOrMore) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*o = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(o))
}

// UnmarshalJSON reads a policy and refuses what would be judged wrongly here.
func (p *policy) UnmarshalJSON(b []byte) error {
	type plain policy
	if err := json.Unmarshal(b, (*plain)(p)); err != nil {
		return err
	}
	if len(p.Statement) == 0 {
		return errors.New("a policy needs a statement")
	}
	for _, s := range p.Statement {
		if s.Effect != "Allow" && s.Effect != "Deny" {
			return fmt.Errorf("a statement's effect is Allow or Deny, not %q", s.Effect)
		}
		if len(s.Condition) > 0 {
			return errors.New("the local API Gateway does not know conditions in policies")
		}
	}
	return nil
}

// allows judges a request by its method ARN: an explicit Deny wins over every Allow, and
// what nothing allows is denied.
func (p policy) allows(methodArn string) (allowed, explicitlyDenied bool) {
	for _, s := range p.Statement {
		if !matchesAny(s.Action, "execute-api:invoke", strings.ToLower) || !matchesAny(s.Resource, methodArn, nil) {
			continue
		}
		if s.Effect == "Deny" {
			return false, true
		}
		allowed = true
	}
	return allowed, false
}

func matchesAny(patterns []string, text string, fold func(string) string) bool {
	for _, p := range patterns {
		if fold != nil {
			p = fold(p)
		}
		if wildcard(p).MatchString(text) {
			return true
		}
	}
	return false
}

// wildcard reads an IAM pattern: * is any text, slashes included, and ? any one
// character.
func wildcard(pattern string) *regexp.Regexp {
	expression := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(pattern))
	return regexp.MustCompile(`(?s)^` + expression + `$`)
}
