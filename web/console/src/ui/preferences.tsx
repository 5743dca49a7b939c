import { Languages, Moon, Sun } from 'lucide-react';
import { useText } from '../text';
import { useTheme } from '../theme';
import { IconButton } from './button';

export function ThemeButton() {
  const { t } = useText();
  const [, setTheme] = useTheme();
  const dark = document.documentElement.dataset.theme === 'dark';
  return <IconButton icon={dark ? Sun : Moon} label={dark ? t('theme.light') : t('theme.dark')} onClick={() => setTheme(dark ? 'light' : 'dark')} />;
}

export function LanguageButton() {
  const { language, setLanguage } = useText();
  return <IconButton icon={Languages} label={language === 'en' ? '中文' : 'English'} onClick={() => setLanguage(language === 'en' ? 'zh' : 'en')} />;
}
