package secrets

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// Generate is a template's GenerateSecretString.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-secretsmanager-secret-generatesecretstring.html
type Generate struct {
	Template string // a JSON object, which the generated text joins under Key; both or neither
	Key      string
	Length   int // 0: 32

	ExcludeCharacters                                                      string
	ExcludeLowercase, ExcludeUppercase, ExcludeNumbers, ExcludePunctuation bool
	IncludeSpace                                                           bool
	OfAnyType                                                              bool // RequireEachIncludedType is false
}

// Text generates a secret's text.
func (g Generate) Text() (string, error) {
	if (g.Template == "") != (g.Key == "") {
		return "", errors.New("SecretStringTemplate and GenerateStringKey come together")
	}
	password, err := g.password()
	if err != nil || g.Key == "" {
		return password, err
	}
	var object map[string]any
	if err := json.Unmarshal([]byte(g.Template), &object); err != nil || object == nil {
		return "", errors.New("SecretStringTemplate is no JSON object")
	}
	object[g.Key] = password
	text, err := json.Marshal(object)
	return string(text), err
}

func (g Generate) password() (string, error) {
	length := g.Length
	if length == 0 {
		length = 32
	}
	var all string
	var types []string
	for _, t := range []struct {
		characters string
		out        bool
	}{
		{"abcdefghijklmnopqrstuvwxyz", g.ExcludeLowercase},
		{"ABCDEFGHIJKLMNOPQRSTUVWXYZ", g.ExcludeUppercase},
		{"0123456789", g.ExcludeNumbers},
		{"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", g.ExcludePunctuation},
		{" ", !g.IncludeSpace},
	} {
		left := strings.Map(func(c rune) rune {
			if t.out || strings.ContainsRune(g.ExcludeCharacters, c) {
				return -1
			}
			return c
		}, t.characters)
		if left != "" {
			all += left
			types = append(types, left)
		}
	}
	if length > 4096 || len(types) == 0 || !g.OfAnyType && length < len(types) {
		return "", fmt.Errorf("no text of %d characters fits", length)
	}
	password := make([]byte, length)
	for i := range password {
		password[i] = all[below(len(all))]
	}
	if !g.OfAnyType { // one of each, each at a place of its own
		places := make([]int, length)
		for i := range places {
			places[i] = i
		}
		for i, t := range types {
			j := i + below(length-i)
			places[i], places[j] = places[j], places[i]
			password[places[i]] = t[below(len(t))]
		}
	}
	return string(password), nil
}

// below is a random number from 0 to n-1.
func below(n int) int {
	at, _ := rand.Int(rand.Reader, big.NewInt(int64(n))) // never fails
	return int(at.Int64())
}
