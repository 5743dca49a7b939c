import { Languages, Moon, Sun } from 'lucide-react';
import { useText } from '../text';
import { chooseTheme, useTheme } from '../theme';
import { IconButton } from './button';

export function ThemeButton() {
  const { t } = useText();
  const dark = useTheme() === 'dark';
  return <IconButton icon={dark ? Sun : Moon} label={dark ? t('theme.light') : t('theme.dark')} onClick={() => chooseTheme(dark ? 'light' : 'dark')} />;
}

export function LanguageButton() {
  const { language, setLanguage } = useText();
  return <IconButton icon={Languages} label={language === 'en' ? '中文' : 'English'} onClick={() => setLanguage(language === 'en' ? 'zh' : 'en')} />;
}
