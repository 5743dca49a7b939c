package node

import (
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"hash"
	"strconv"

	"github.com/google/uuid"

	"flowgate/internal/workflow"
)

type cryptoParams struct {
	Action             string `json:"action" doc:"What to do." default:"hash" enum:"hash,hmac,sign,generate" expr:"no"`
	Type               string `json:"type" doc:"The hash function." default:"MD5" enum:"MD5,SHA1,SHA256,SHA384,SHA512,SHA3-256,SHA3-384,SHA3-512" show:"action=hash|hmac"`
	BinaryData         bool   `json:"binaryData" doc:"Take a file instead of a text." show:"action=hash|hmac"`
	BinaryPropertyName string `json:"binaryPropertyName" doc:"Name of the file." default:"data" show:"binaryData=true"`
	Value              string `json:"value" doc:"The text." show:"action=hash|hmac|sign"`
	Secret             string `json:"secret" doc:"The key of the HMAC." show:"action=hmac"`
	Algorithm          string `json:"algorithm" doc:"The signature's hash function, e.g. RSA-SHA256." default:"RSA-SHA256" show:"action=sign"`
	PrivateKey         string `json:"privateKey" doc:"RSA private key, PEM." show:"action=sign"`
	EncodingType       string `json:"encodingType" doc:"What to generate." default:"uuid" enum:"uuid,base64,hex,ascii" show:"action=generate"`
	StringLength       int    `json:"stringLength" doc:"Its length." default:"32" show:"action=generate&encodingType!=uuid"`
	DataPropertyName   string `json:"dataPropertyName" doc:"Field that gets the result." default:"data"`
	Encoding           string `json:"encoding" doc:"How the result is written." default:"hex" enum:"hex,base64" show:"action!=generate"`
}

// cryptoType computes hashes, HMACs and signatures and generates secrets.
func cryptoType() *Type {
	const name = "n8n-nodes-base.crypto"
	return &Type{
		Name: name, DisplayName: "Crypto", Category: workflow.CategoryAction,
		Description: "Computes hashes, HMACs and RSA signatures of texts or files, and generates UUIDs and random texts.",
		Versions:    []float64{1}, Params: cryptoParams{},
		Examples: []workflow.NodeExample{
			example("SHA-256", name, 1, `{"type":"SHA256","value":"={{ $json.text }}"}`),
			example("New id", name, 1, `{"action":"generate","dataPropertyName":"id"}`),
		},
		Run: runCrypto,
	}
}

func runCrypto(ctx context.Context, c *Call) (Output, error) {
	items, err := c.EachItem(ctx, func(i int, in workflow.Item) ([]workflow.Item, error) {
		p, err := Bind[cryptoParams](ctx, c, i)
		if err != nil {
			return nil, err
		}
		result, err := p.result(ctx, c, i, in)
		if err != nil {
			return nil, err
		}
		out := workflow.Item{JSON: in.JSON.Copy(), Binary: in.Binary}
		assign(out.JSON, p.DataPropertyName, result, true)
		return []workflow.Item{out}, nil
	})
	return Items(items), err
}

func (p *cryptoParams) result(ctx context.Context, c *Call, i int, in workflow.Item) (string, error) {
	switch p.Action {
	case "generate":
		return p.generate(ctx, c, i)
	case "sign":
		return p.sign()
	}
	data := []byte(p.Value)
	if p.BinaryData {
		var err error
		if data, err = fileContent(in, p.BinaryPropertyName); err != nil {
			return "", err
		}
	}
	newHash, _ := hashNamed(p.Type)
	h := newHash()
	if p.Action == "hmac" {
		h = hmac.New(newHash, []byte(p.Secret))
	}
	h.Write(data)
	return p.encode(h.Sum(nil)), nil
}

// fileContent is the content of a file kept inside the item.
func fileContent(in workflow.Item, name string) ([]byte, error) {
	f := in.Binary[name]
	if f == nil {
		return nil, Fail("The item has no file %q.", name)
	}
	data, err := binaryContent(f)
	if err != nil {
		return nil, Fail("The file %q cannot be read: %s.", name, err)
	}
	return data, nil
}

func hashNamed(name string) (func() hash.Hash, crypto.Hash) {
	switch name {
	case "SHA1":
		return sha1.New, crypto.SHA1
	case "SHA256":
		return sha256.New, crypto.SHA256
	case "SHA384":
		return sha512.New384, crypto.SHA384
	case "SHA512":
		return sha512.New, crypto.SHA512
	case "SHA3-256":
		return func() hash.Hash { return sha3.New256() }, crypto.SHA3_256
	case "SHA3-384":
		return func() hash.Hash { return sha3.New384() }, crypto.SHA3_384
	case "SHA3-512":
		return func() hash.Hash { return sha3.New512() }, crypto.SHA3_512
	}
	return md5.New, crypto.MD5
}

func (p *cryptoParams) encode(b []byte) string {
	if p.Encoding == "base64" {
		return base64.StdEncoding.EncodeToString(b)
	}
	return hex.EncodeToString(b)
}

func (p *cryptoParams) sign() (string, error) {
	block, _ := pem.Decode([]byte(p.PrivateKey))
	if block == nil {
		return "", Fail("Parameter %q holds no PEM block; it must begin with -----BEGIN.", "privateKey")
	}
	var key any
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	}
	rsaKey, ok := key.(*rsa.PrivateKey)
	if err != nil || !ok {
		return "", Fail("Parameter %q is no unencrypted RSA private key.", "privateKey")
	}
	name := p.Algorithm
	if len(name) > 4 && name[:4] == "RSA-" {
		name = name[4:]
	}
	newHash, id := hashNamed(name)
	if id == crypto.MD5 && name != "MD5" {
		return "", Fail("Signatures with %q are not known; use RSA-SHA256, RSA-SHA384 or RSA-SHA512.", clip(p.Algorithm, 40))
	}
	h := newHash()
	h.Write([]byte(p.Value))
	sig, err := rsa.SignPKCS1v15(nil, rsaKey, id, h.Sum(nil))
	if err != nil {
		return "", Fail("The text could not be signed: %v.", err)
	}
	return p.encode(sig), nil
}

const maxGenerated = 1 << 16

// generate makes a random text. It is recorded, since it must not change when
// the execution is computed again, and comes from the system's randomness.
func (p *cryptoParams) generate(ctx context.Context, c *Call, i int) (string, error) {
	n := p.StringLength
	if p.EncodingType != "uuid" && (n < 1 || n > maxGenerated) {
		return "", Fail("Parameter %q must be between 1 and %d.", "stringLength", maxGenerated)
	}
	out, err := c.Host.Effect(ctx, "random-"+strconv.Itoa(i), func(context.Context) ([]byte, error) {
		if p.EncodingType == "uuid" {
			id, err := uuid.NewRandom()
			return []byte(id.String()), err
		}
		raw := make([]byte, n)
		if _, err := rand.Read(raw); err != nil {
			return nil, err
		}
		switch p.EncodingType {
		case "base64":
			return []byte(base64.RawStdEncoding.EncodeToString(raw)[:n]), nil
		case "ascii":
			const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
			for k := range raw {
				raw[k] = letters[raw[k]&63]
			}
			return raw, nil
		}
		return []byte(hex.EncodeToString(raw)[:n]), nil
	})
	return string(out), err
}
