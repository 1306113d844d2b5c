package secrets

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
)

// Generate is a template's GenerateSecretString, as far as ours needs it: letters and
// digits in a member of an object.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-secretsmanager-secret-generatesecretstring.html
type Generate struct {
	Template string // a JSON object, which the generated text joins under Key
	Key      string
	Length   int
}

const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// Text generates a secret's text.
func (g Generate) Text() (string, error) {
	var object map[string]any
	if err := json.Unmarshal([]byte(g.Template), &object); err != nil || object == nil || g.Key == "" {
		return "", errors.New("SecretStringTemplate is no JSON object, or GenerateStringKey is missing")
	}
	if g.Length < 1 || g.Length > 4096 {
		return "", fmt.Errorf("no text of %d characters can be generated", g.Length)
	}
	text := make([]byte, g.Length)
	for i := range text {
		at, _ := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet)))) // never fails
		text[i] = alphabet[at.Int64()]
	}
	object[g.Key] = string(text)
	whole, err := json.Marshal(object)
	return string(whole), err
}
