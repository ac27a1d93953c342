/** Buttons that save or copy a text, made when it is asked for. */
import { useState } from 'preact/hooks';

interface SaveProps {
  /** Of the file. */
  name: string;
  type: string;
  text(): string;
  label: string;
}

export const SaveButton = ({ name, type, text, label }: SaveProps) => (
  <button
    type="button"
    class="quiet"
    onClick={() => {
      const url = URL.createObjectURL(new Blob([text()], { type }));
      const link = document.createElement('a');
      link.href = url;
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
    }}
  >
    {label}
  </button>
);

export function CopyButton({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <button
      type="button"
      class="quiet"
      onClick={async () => {
        await copy(text);
        setCopied(true);
        setTimeout(() => setCopied(false), 2000);
      }}
    >
      {copied ? 'Copied' : label}
    </button>
  );
}

/** Pages from the disk may have no clipboard but the old one. */
async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
}
