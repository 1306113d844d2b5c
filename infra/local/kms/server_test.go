package kms

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/repr"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
)

// serve runs a KMS with one key, and gives it with the SDK's client of it.
func serve(t *testing.T) (*Server, Key, *kms.Client) {
	t.Helper()
	key, err := Open("", "us-east-1", "123456789012", "LedgerKey")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := Serve(listener, []Key{key})
	t.Cleanup(s.Close)
	return s, key, kms.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: &s.URL,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIATEST", SecretAccessKey: "x"}, nil
		}),
	})
}

// What the SDK gets is signed with the key whose public half it gets.
func TestTheSDKSigns(t *testing.T) {
	s, key, client := serve(t)
	described, err := client.GetPublicKey(t.Context(), &kms.GetPublicKeyInput{KeyId: &key.ID})
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParsePKIXPublicKey(described.PublicKey)
	public, is := parsed.(ed25519.PublicKey)
	if err != nil || !is || !public.Equal(key.Public()) || *described.KeyId != key.ARN ||
		described.KeySpec != types.KeySpecEccNistEdwards25519 || described.KeyUsage != types.KeyUsageTypeSignVerify ||
		!slices.Contains(described.SigningAlgorithms, types.SigningAlgorithmSpecEd25519Sha512) {
		t.Fatalf("%s: %v, %v", repr.String(described), parsed, err)
	}
	for _, message := range [][]byte{[]byte("a"), bytes.Repeat([]byte{0xff, '\n'}, 2048)} {
		for _, kind := range []types.MessageType{"", types.MessageTypeRaw} {
			signed, err := client.Sign(t.Context(), &kms.SignInput{KeyId: &key.ARN, Message: message,
				MessageType: kind, SigningAlgorithm: types.SigningAlgorithmSpecEd25519Sha512})
			if err != nil {
				t.Fatal(err)
			}
			if !ed25519.Verify(public, message, signed.Signature) || *signed.KeyId != key.ARN ||
				signed.SigningAlgorithm != types.SigningAlgorithmSpecEd25519Sha512 {
				t.Errorf("%d bytes, %q: %s", len(message), kind, repr.String(signed))
			}
		}
	}
	want := append([]Request{{"AKIATEST", "GetPublicKey", key.ARN}},
		slices.Repeat([]Request{{"AKIATEST", "Sign", key.ARN}}, 4)...)
	if got := s.Calls(); !slices.Equal(got, want) {
		t.Errorf("calls %+v", got)
	}
}

func TestTheSDKReadsRefusals(t *testing.T) {
	s, key, client := serve(t)
	for _, c := range []struct {
		kind string
		in   kms.SignInput
	}{
		{"NotFoundException", kms.SignInput{KeyId: aws.String(ID("another"))}},
		{"NotFoundException", kms.SignInput{KeyId: aws.String(key.ARN + "x")}},
		{"ValidationException", kms.SignInput{KeyId: aws.String("")}},
		{"ValidationException", kms.SignInput{Message: bytes.Repeat([]byte("x"), 4097)}},
		{"ValidationException", kms.SignInput{Message: []byte{}}},
		{"ValidationException", kms.SignInput{SigningAlgorithm: "ED25519"}},
		{"ValidationException", kms.SignInput{MessageType: "TEXT"}},
		{"ValidationException", kms.SignInput{MessageType: types.MessageTypeDigest}},
		{"InvalidKeyUsageException", kms.SignInput{SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256}},
		{"InvalidKeyUsageException", kms.SignInput{SigningAlgorithm: types.SigningAlgorithmSpecEd25519PhSha512,
			MessageType: types.MessageTypeDigest}},
	} {
		in := c.in
		if in.KeyId == nil {
			in.KeyId = &key.ID
		}
		if in.Message == nil {
			in.Message = []byte("text")
		}
		if in.SigningAlgorithm == "" {
			in.SigningAlgorithm = types.SigningAlgorithmSpecEd25519Sha512
		}
		_, err := client.Sign(t.Context(), &in)
		if refused, ok := errors.AsType[smithy.APIError](err); !ok || refused.ErrorCode() != c.kind ||
			refused.ErrorMessage() == "" {
			t.Errorf("%s: %v, want %s", repr.String(c.in), err, c.kind)
		}
	}
	_, err := client.GetPublicKey(t.Context(), &kms.GetPublicKeyInput{KeyId: aws.String("nobody")})
	if missing, ok := errors.AsType[*types.NotFoundException](err); !ok ||
		!strings.Contains(missing.ErrorMessage(), "nobody") {
		t.Errorf("no such key: %v", err)
	}
	_, err = client.ListKeys(t.Context(), &kms.ListKeysInput{})
	if other, ok := errors.AsType[smithy.APIError](err); !ok || other.ErrorCode() != "UnknownOperationException" {
		t.Errorf("another action: %v", err)
	}
	if calls := s.Calls(); len(calls) != 12 || calls[11] != (Request{"AKIATEST", "ListKeys", ""}) {
		t.Errorf("calls %+v", calls)
	}
}
