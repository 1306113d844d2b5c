package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// simplifyFile does to a file what simplify does to a template, and says what it left
// out.
func simplifyFile(name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	text, left, err := simplify(text)
	if err != nil {
		return err
	}
	fmt.Println("left out, because ministack does not know it:", strings.Join(left, ", "))
	return os.WriteFile(name, text, 0o644)
}

// simplify takes out of a template what ministack does not know: saved queries, alarms
// that calculate (Metrics), and what of a request's context keeps an authorizer's answer,
// without which it lets nobody in. left names each.
func simplify(template []byte) (simple []byte, left []string, err error) {
	var document yaml.Node
	if err := yaml.Unmarshal(template, &document); err != nil {
		return nil, nil, err
	}
	if len(document.Content) == 0 {
		return nil, nil, fmt.Errorf("the template is empty")
	}
	resources := below(document.Content[0], "Resources")
	if resources == nil {
		return nil, nil, fmt.Errorf("the template has no resources")
	}
	for i := 0; i < len(resources.Content); i += 2 {
		name, resource := resources.Content[i].Value, resources.Content[i+1]
		properties := below(resource, "Properties")
		switch kind := below(resource, "Type"); {
		case kind == nil:
		case kind.Value == "AWS::Logs::QueryDefinition",
			kind.Value == "AWS::CloudWatch::Alarm" && below(properties, "Metrics") != nil:
			resources.Content = append(resources.Content[:i], resources.Content[i+2:]...)
			left = append(left, name)
			i -= 2
		case kind.Value == "AWS::Serverless::Api":
			authorizers := below(below(properties, "Auth"), "Authorizers")
			for j := 1; authorizers != nil && j < len(authorizers.Content); j += 2 {
				if remove(below(authorizers.Content[j], "Identity"), "Context") {
					left = append(left, name+"'s Context of "+authorizers.Content[j-1].Value)
				}
			}
		}
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	err = encoder.Encode(&document)
	return out.Bytes(), left, err
}

// below is the value of a mapping's key; nil where there is none.
func below(mapping *yaml.Node, key string) *yaml.Node {
	if mapping == nil || mapping.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// remove takes a key out of a mapping, and says whether it was there.
func remove(mapping *yaml.Node, key string) bool {
	if below(mapping, key) == nil {
		return false
	}
	for i := 0; i < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			mapping.Content = append(mapping.Content[:i], mapping.Content[i+2:]...)
			return true
		}
	}
	return false
}

var (
	// emulated is a check of an answer that the gateway gives by itself. The template
	// says how (GatewayResponses), but ministack has words and statuses of its own. It
	// also finds no route for a path with an encoded slash.
	emulated = regexp.MustCompile(`^FAIL +\S+ +[^:]*(?:refuse|is a 40[45]|of any characters)[^:]*:.* got 40[13] application/json ` +
		`"\{\\"[Mm]essage\\":\\"(?:Unauthorized|Missing Authentication Token|User is not authorized[^"]*)\\"\}"`)
	// following is what then is not to be seen of the user with that path.
	following = regexp.MustCompile(`^FAIL +\S+ +everybody else's data is untouched: \S+ customerId=\S+-user/50% .*: the user's activity is not on record$`)
	passed    = regexp.MustCompile(`^(?:ok |run |\d+ checks )`)
)

// judge reads the lines of a smoke test: ours are those of what failed, without the
// checks that ministack would not let pass.
func judge(lines string) (ours []string, its int) {
	routed := true
	for line := range strings.Lines(lines) {
		switch line = strings.TrimSpace(line); {
		case line == "" || passed.MatchString(line):
		case emulated.MatchString(line):
			its++
			routed = routed && !strings.Contains(line, "of any characters")
		case !routed && following.MatchString(line):
			its++
		default:
			ours = append(ours, line)
		}
	}
	return ours, its
}
